"""The pathway of invented dossiers, told to or driven against a gateway that runs, by HTTP alone."""
