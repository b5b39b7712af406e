// Package capture has what the server's and the client's side of a recording share:
// how much is kept of which bodies, and how header fields get into an entry.
package capture
