"""A pushed style network as a tool: mixed styles, masks, kept colours, prints of any size, files with their metadata.

    engine = LocalModels("easel-workspace/serving").engine()
    photo = files.read("photo.jpg")
    layers = [Layer(styles.code(engine, [styles.parse("wave.jpg=0.7"), styles.parse("starry_night=0.3")]))]
    for picture in painter.paint(engine, photo.pixels, layers):  # a small one first, then the whole
        files.write(picture, "painted.png", photo)

Needs NumPy, Pillow and OpenCV (the extra `painting`); what computes, TensorFlow here or a server, is an
`engines.Engine`.
"""
