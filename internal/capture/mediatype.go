package capture

import "strings"

// BinaryType reports whether a body of the content type ct, with or without
// parameters, is known to show nothing to a reader; then its size is all that is
// recorded. Compressed text is not meant: that is Content-Encoding. A type that is
// not listed is captured: the sanitizer decides what of it may be shown, and an
// unnamed type is JSON more often than not.
func BinaryType(ct string) bool {
	if ct == "application/json" {
		return false // by far the most frequent: spare it the list
	}
	if i := strings.IndexByte(ct, ';'); i >= 0 {
		ct = ct[:i]
	}
	major, minor, ok := strings.Cut(strings.TrimSpace(ct), "/")
	if !ok || minor == "" || hasSuffixFold(minor, "json") || hasSuffixFold(minor, "+xml") {
		return false
	}
	switch len(major) {
	case 4: // font, text
		return strings.EqualFold(major, "font")
	case 5:
		return strings.EqualFold(major, "image") || strings.EqualFold(major, "video") || strings.EqualFold(major, "audio") || strings.EqualFold(major, "model")
	case 11:
		return strings.EqualFold(major, "application") && binaryApplication(minor)
	}
	return false
}

func binaryApplication(minor string) bool {
	for _, b := range [...]string{
		"octet-stream", "offset+octet-stream", "pdf", "wasm", "msword", "java-archive", "x-java-archive", "x-shockwave-flash", "x-sqlite3", "vnd.sqlite3",
		"zip", "gzip", "x-gzip", "zstd", "x-tar", "x-bzip2", "x-xz", "x-7z-compressed", "vnd.rar", "x-rar-compressed",
		"proto", "protobuf", "x-protobuf", "x-google-protobuf", "vnd.google.protobuf", "connect+proto",
		"msgpack", "x-msgpack", "vnd.msgpack", "cbor", "avro", "x-avro", "x-thrift",
		"vnd.android.package-archive", "vnd.apache.parquet", "vnd.apache.arrow.stream",
	} {
		if strings.EqualFold(minor, b) {
			return true
		}
	}
	for _, prefix := range [...]string{"grpc", "vnd.ms-", "vnd.openxmlformats-", "vnd.oasis.opendocument.", "font-", "x-font-"} {
		if len(minor) >= len(prefix) && strings.EqualFold(minor[:len(prefix)], prefix) {
			return !strings.Contains(minor, "text") // grpc-web-text
		}
	}
	return false
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// ByteRange reports whether a message with these fields, a 206 or a part of an
// upload, is a piece of something by its bytes (RFC 9110, sections 14.4 and 14.6).
// Some APIs name a page of a list so, in units of their own, and send a whole
// document.
func ByteRange(contentRange, contentType string) bool {
	unit, _, _ := strings.Cut(contentRange, " ")
	const ranges = "multipart/byteranges"
	return strings.EqualFold(unit, "bytes") || len(contentType) >= len(ranges) && strings.EqualFold(contentType[:len(ranges)], ranges)
}
