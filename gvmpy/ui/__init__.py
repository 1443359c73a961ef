"""What people and scripts see: text, tables, progress, the JSON envelope, exit codes."""
