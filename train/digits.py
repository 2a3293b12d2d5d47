"""Trains a small network to read handwritten digits, and says how well it reads unseen ones."""

import argparse

import numpy as np
from tensorflow import keras

HELD_OUT = 0.2


def digits():
    """The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn, a fifth held out."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found = load_digits()
    images = (found.images / 16.0).astype("float32")
    return train_test_split(
        images, found.target, test_size=HELD_OUT, random_state=0, stratify=found.target
    )


def mnist():
    """MNIST's 70,000 digits of 28x28 pixels; `nixrepro fetch --data mnist` brings the file."""
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train, x_test = (images.astype("float32") / 255.0 for images in (x_train, x_test))
    return x_train, x_test, y_train, y_test


def network(shape):
    """Flatten, 128 units, 10 classes: the first network everybody trains."""
    model = keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main():
    """Train, test, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    x_train, x_test, y_train, y_test = mnist() if options.data == "mnist" else digits()
    print(f"{len(x_train)} images to learn from, {len(x_test)} to be tested on")

    model = network(x_train.shape[1:])
    history = model.fit(
        x_train, y_train, epochs=options.epochs, batch_size=options.batch, verbose=0
    ).history
    for epoch, (loss, accuracy) in enumerate(zip(history["loss"], history["accuracy"]), 1):
        print(f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.4f}")

    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    read = np.argmax(model.predict(x_test, verbose=0), axis=1)
    print(f"{int((read == y_test).sum())} of {len(y_test)} test images read correctly")
    print(f"final test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
