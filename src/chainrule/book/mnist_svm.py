"""The module ``mnist_svm``: chapter 1's baseline by a support vector machine, with scikit-learn.

The book's scikit-learn took ``gamma="auto"`` by default, which is 1/784 here; today's default differs, so that it is named.
"""

from __future__ import annotations

from . import mnist_loader


def svm_baseline() -> None:
    """Fit an SVM to the 50,000 training images, and print how many of the test images it classifies rightly; takes minutes."""
    from sklearn.svm import SVC

    (images, digits), _, (test_images, test_digits) = mnist_loader.load_data()
    classifier = SVC(gamma="auto").fit(images, digits)
    correct = int((classifier.predict(test_images) == test_digits).sum())
    print("Baseline classifier using an SVM.")
    print(f"{correct} of {len(test_digits)} values correct.")


if __name__ == "__main__":
    svm_baseline()
