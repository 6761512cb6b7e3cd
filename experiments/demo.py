"""`make demo`: Figures 1 and 2 of the paper into out/, with a certificate beside every cost."""

from .fig1_static import run as figure1
from .fig2_mmd import run as figure2
from .report import OUT


def main() -> None:
    figure1.main()
    print()
    figure2.main()
    print(f"\nPictures and numbers are in {OUT}/: " + ", ".join(sorted(path.name for path in OUT.glob("figure*"))))


if __name__ == "__main__":
    main()
