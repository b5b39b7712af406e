package capture

import "testing"

func TestBinaryType(t *testing.T) {
	for ct, want := range map[string]bool{
		"": false, "garbage": false, "application/": false, "/": false, "image": false,
		"application/json": false, "Application/JSON; charset=utf-8": false, "application/problem+json": false, "application/vnd.ms-x+json": false,
		"text/html": false, "text/event-stream": false, "image/svg+xml": false, "application/xhtml+xml": false, "application/soap+xml": false,
		"application/x-www-form-urlencoded": false, "multipart/form-data; boundary=x": false, "message/http": false,
		"application/grpc-web-text": false, "application/grpc+json": false, "application/connect+json": false, "application/javascript": false,
		"image/png": true, " Video/MP4 ": true, "audio/ogg; codecs=opus": true, "font/woff2": true, "model/gltf-binary": true,
		"application/octet-stream": true, "application/offset+octet-stream": true, "application/PDF; x=y": true, "application/zip": true, "application/x-protobuf": true,
		"application/grpc": true, "application/grpc+proto": true, "application/grpc-web+proto": true, "application/connect+proto": true,
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": true, "application/vnd.ms-excel": true, "application/x-font-ttf": true,
	} {
		if got := BinaryType(ct); got != want {
			t.Errorf("%q: %v, want %v", ct, got, want)
		}
	}
}

func TestBinaryTypeAllocates(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { BinaryType("Application/Vnd.Ms-Excel; charset=x") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestByteRange(t *testing.T) {
	for _, c := range []struct {
		contentRange, contentType string
		want                      bool
	}{
		{"", "", false},
		{"bytes 0-99/1000", "application/json", true},
		{"Bytes */1000", "", true},
		{"items 0-9/100", "application/json", false},
		{"", "multipart/byteranges; boundary=x", true},
		{"", "Multipart/ByteRanges", true},
		{"", "multipart/form-data", false},
	} {
		if got := ByteRange(c.contentRange, c.contentType); got != c.want {
			t.Errorf("%q, %q: %v", c.contentRange, c.contentType, got)
		}
	}
}
