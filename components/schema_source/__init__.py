"""The schema that a lane's data must keep to: the person's file, or one that is proposed once and then kept."""
