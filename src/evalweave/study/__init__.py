"""The study file: one typed model of what is studied, and nothing of where or how fast it runs.

Defaults live here, so that a user can remove one. Every key has a description, from which the JSON
schema and the key reference in `config/README.md` are generated. Paths are relative to the study
file. A stage is given only the settings it uses (`stages.settings_for`), and imports only the
sections it uses, so that changing one key or one section reruns only what depends on it. Nothing is
imported here for the same reason.
"""
