import numpy as np
import tensorflow as tf
from tensorflow import keras

(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
x_train, x_test = x_train / 255.0, x_test / 255.0

model = keras.Sequential(
    [
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

np.random.seed(42)
tf.random.set_seed(42)

model.fit(x_train, y_train, epochs=5, batch_size=32, verbose=0)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Final accuracy: {accuracy:.4f}")
