package sanitize

import (
	"testing"
	"unicode/utf8"
)

// What nothing is hidden in for the time being is text all the same: Encoding says so.
func TestShadowIsUTF8(t *testing.T) {
	p, err := New(&Options{Mode: ModeShadow})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ ct, src string }{
		"json":      {"application/json", "{\"a\":\"\xff\"}"},
		"ndjson":    {"application/x-ndjson", "{\"a\":1}\n{\"b\":\"\xc3\"}"},
		"multipart": {"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\xff\xfe\r\n--B--\r\n"},
	} {
		got, res := p.AppendBody([]byte("before "), []byte(tt.src), Input{ContentType: tt.ct}, nil)
		if !utf8.Valid(got) || len(got) > len("before ") != (res.Encoding == "utf-8") {
			t.Errorf("%s: %q, %+v", name, got, res)
		}
	}
}
