"""Where Beam's work is done: in this process, on Flink, Spark or Dataflow."""
