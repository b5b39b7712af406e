package middleware

import "strings"

// binaryType reports whether a body of this content type is known to show nothing
// to a reader. Compressed text is not meant: that is Content-Encoding.
func binaryType(ct string) bool {
	if ct == "" || strings.HasPrefix(ct, "application/json") || strings.HasPrefix(ct, "text/") {
		return false // by far the most frequent: spare them the list
	}
	if i := strings.IndexByte(ct, ';'); i >= 0 {
		ct = ct[:i]
	}
	ct = strings.TrimSpace(ct)
	major, minor, ok := strings.Cut(ct, "/")
	if !ok || len(minor) == 0 {
		return false
	}
	switch len(major) {
	case 4: // font, text
		return strings.EqualFold(major, "font")
	case 5:
		if strings.EqualFold(major, "image") {
			return !strings.EqualFold(minor, "svg+xml")
		}
		return strings.EqualFold(major, "video") || strings.EqualFold(major, "audio") || strings.EqualFold(major, "model")
	case 11:
		if !strings.EqualFold(major, "application") {
			return false
		}
	default:
		return false
	}
	for _, b := range [...]string{
		"octet-stream", "zip", "gzip", "x-gzip", "zstd", "x-tar", "x-bzip2", "x-xz", "x-7z-compressed",
		"vnd.rar", "java-archive", "pdf", "wasm", "protobuf", "x-protobuf", "vnd.google.protobuf",
		"msgpack", "x-msgpack", "vnd.msgpack", "cbor", "avro",
		"msword", "vnd.android.package-archive", "x-shockwave-flash",
	} {
		if strings.EqualFold(minor, b) {
			return true
		}
	}
	for _, prefix := range [...]string{"grpc", "vnd.ms-", "vnd.openxmlformats-", "vnd.oasis.opendocument.", "font-", "x-font-"} {
		if len(minor) >= len(prefix) && strings.EqualFold(minor[:len(prefix)], prefix) {
			// grpc-web-text and grpc+json are text.
			return !strings.Contains(minor, "json") && !strings.Contains(minor, "text")
		}
	}
	return false
}

// textType reports whether a body of this content type is known to be text. Unlike
// binaryType it says no to what it does not know.
func textType(ct string) bool {
	if i := strings.IndexByte(ct, ';'); i >= 0 {
		ct = ct[:i]
	}
	major, minor, ok := strings.Cut(strings.TrimSpace(ct), "/")
	if !ok {
		return false
	}
	if strings.EqualFold(major, "text") {
		return true
	}
	if i := strings.LastIndexByte(minor, '+'); i >= 0 {
		minor = minor[i+1:]
	}
	for _, t := range [...]string{"json", "xml", "javascript", "yaml", "x-yaml", "ndjson", "x-ndjson", "jsonl", "sql", "graphql"} {
		if strings.EqualFold(minor, t) {
			return true
		}
	}
	return false
}
