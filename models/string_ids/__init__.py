"""String ids as the database holds them: a number each, which the table `string_id` has.

All columns of ids are integers. A string id is stored once for its tenant, committed before any row
that names it, and neither it nor its number ever changes or goes. The number is a random one, so
that a database restored from a backup gives no other id the number of one that it lost.

So what a process knows of them is right for ever, and what it does not know is there to be read: a
number that a row names can be looked up on the same connection, whatever its snapshot is.

- `directory.py` is what a process knows, a bounded number of ids.
- `adapting.py` is what the connections of our engines do: an id is written as its number, and a
  number is read as its id. Numbers that the directory lacks are looked up by one statement for a
  whole result, however many they are, before any of its rows is handed on.
- Beside this folder, `models/numbering.py` gives the strings that come in their numbers, and looks
  up those that are only asked for; `realtime/ids.py` does so on an event loop.
"""
