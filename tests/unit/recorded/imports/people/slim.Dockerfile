FROM python:3.9.7-slim-buster

ENV PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2 \
    # where pip keeps nothing
    PIP_NO_CACHE_DIR=1
ENV OMP_NUM_THREADS 4

RUN apt-get update && apt-get install -y --no-install-recommends \
        build-essential \
        git=1:2.20.1-2+deb10u3 \
        libhdf5-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt /tmp/requirements.txt
RUN pip install --upgrade pip && \
    pip install --no-cache-dir -r /tmp/requirements.txt "pandas>=1.3,<1.4" scikit-learn==1.0.2 > /dev/null 2>&1
RUN curl -sSL https://install.example/tool.sh | bash
COPY . .
CMD ["python", "/app/train.py", "--epochs", "3"]
