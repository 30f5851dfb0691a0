"""What of `rollcall` needs the server's side: one file a command. They import what does the work when they are called."""
