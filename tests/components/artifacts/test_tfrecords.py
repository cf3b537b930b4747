import tensorflow as tf

from components.artifacts import tfrecords


def test_records_come_in_the_order_of_the_files_and_a_missing_folder_has_none(tmp_path):
    for name, values in (("b.gz", [b"3"]), ("a.gz", [b"1", b"2"])):
        with tf.io.TFRecordWriter(str(tmp_path / name), "GZIP") as writer:
            for value in values:
                writer.write(value)
    assert list(tfrecords.read(tmp_path)) == [b"1", b"2", b"3"]
    assert list(tfrecords.read(tmp_path / "nowhere")) == []
