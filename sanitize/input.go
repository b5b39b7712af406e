package sanitize

// Input says what is known about the bytes given to [Policy.AppendBody].
// The zero Input is valid: everything is then found by looking at the bytes.
type Input struct {
	// Kind is the grammar, when the caller knows it. Default KindAuto: by
	// ContentType and by looking at the bytes.
	Kind Kind
	// ContentType is the Content-Type header as it was sent, parameters
	// included. Default "": unknown.
	ContentType string
	// ContentEncoding is the Content-Encoding header as it was sent: "gzip",
	// "br", "zstd", "deflate", or a list of them in the order applied.
	// Default "": none (compressed bytes are recognised all the same).
	ContentEncoding string
	// Truncated says that the bytes are the beginning of a longer body. It
	// must be set when they are: only then are half values at the end hidden.
	Truncated bool
	// Route selects per-route rules, in the style of http.Request.Pattern
	// ("POST /login"). Default "": none.
	Route string
}

// Result says what AppendBody made of its input.
type Result struct {
	// Encoding of the appended bytes: "utf-8", or "" when nothing was appended.
	Encoding string
	// Truncated is set when the output is not the whole body: the capture was
	// cut, or the output was cut at a fault or a bound.
	Truncated bool
	// Reason says why content is missing or cut, for people and for grouping:
	// "truncated", "binary", "malformed json", "too deep", "undecodable gzip",
	// "size bound", "unknown charset" and so on. "" when nothing is missing.
	Reason string
	// Type is what the input was taken for, a Kind's name: "json", "form" …
	Type string
}
