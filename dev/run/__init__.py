"""The runner of `make run`: embedded servers, migrations, the demo company and the processes of the
Procfile, all or none of them.
"""
