# escape=`
FROM tensorflow/tensorflow:2.8.0-gpu
RUN apt-get update && `
    DEBIAN_FRONTEND=noninteractive apt-get install -y -t focal-backports python3-pip libgl1
RUN pip3 install 'numpy==1.21.2' && poetry install
CMD python train.py && python evaluate.py
