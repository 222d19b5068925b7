def read(path):
    """What the net sees of a picture: (CROP, CROP, 3), RGB, 0 to 255."""
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    scale = SIZE / min(picture.size)
    if scale != 1:
        picture = picture.resize([max(SIZE, round(n * scale)) for n in picture.size], Image.BICUBIC)
    for side in SIZE, CROP:  # the square, and its centre
        x, y = ((n - side) // 2 for n in picture.size)
        picture = picture.crop((x, y, x + side, y + side))
    return np.asarray(picture)


def shown(name):
    """A name without what a terminal would obey."""
    return name if name.isprintable() else ascii(name)


def main():
    for path in sys.argv[1:]:
        guesses = probabilities(read(path)[None])[0]
        print(shown(path))
        for i in np.argsort(-guesses, kind="stable")[:5]:
            print(f"  {100 * guesses[i]:5.1f} %  {shown(names[i] or classes[i])}")


if __name__ == "__main__":
    main()
