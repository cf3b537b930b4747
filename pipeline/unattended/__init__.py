"""What a scheduler's runs need: a reason and room to run, one holder of the workspace, whom to tell, what to remove."""
