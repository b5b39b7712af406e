// Package capture has what the server's and the client's side of a recording share:
// which bodies are worth their size only, and how header fields get into an entry.
package capture
