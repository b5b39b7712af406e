package sanitize

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"
)

// toUTF8 returns src in UTF-8, decoded into buf when
// it has to be: decoded is then set. A non-empty reason says why it cannot be read.
func toUTF8(buf, src []byte, charset string, trunc bool) (out []byte, decoded bool, reason string) {
	if charset == "" && len(src) >= 4 && src[0]-1 < 0x7f && src[1] != 0 { // nearly all
		return src, false, ""
	}
	switch {
	case bytes.HasPrefix(src, []byte("\xef\xbb\xbf")):
		return src, false, ""
	case bytes.HasPrefix(src, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(src, []byte("\x00\x00\xfe\xff")):
		return nil, false, "unknown charset"
	case bytes.HasPrefix(src, []byte("\xff\xfe")):
		return appendUTF16(buf, src[2:], binary.LittleEndian), true, ""
	case bytes.HasPrefix(src, []byte("\xfe\xff")):
		return appendUTF16(buf, src[2:], binary.BigEndian), true, ""
	}
	switch strings.ToLower(strings.Trim(charset, `"' `)) {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unicode-1-1-utf-8":
		// JSON without a declared charset may still be UTF-16 (RFC 4627).
		if len(src) >= 4 {
			switch {
			case src[0] == 0 && src[1] != 0 && src[2] == 0 && src[3] != 0:
				return appendUTF16(buf, src, binary.BigEndian), true, ""
			case src[0] != 0 && src[1] == 0 && src[2] != 0 && src[3] == 0:
				return appendUTF16(buf, src, binary.LittleEndian), true, ""
			}
		}
		return src, false, ""
	case "utf-16", "utf16":
		if len(src) >= 2 && src[1] == 0 {
			return appendUTF16(buf, src, binary.LittleEndian), true, ""
		}
		return appendUTF16(buf, src, binary.BigEndian), true, ""
	case "utf-16le", "utf16le":
		return appendUTF16(buf, src, binary.LittleEndian), true, ""
	case "utf-16be", "utf16be":
		return appendUTF16(buf, src, binary.BigEndian), true, ""
	case "euc-kr", "euckr", "cp949", "ms949", "uhc", "ks_c_5601-1987", "ksc5601", "windows-949", "x-windows-949", "korean":
		if utf8.Valid(src) {
			return src, false, "" // mislabelled, or plain ASCII
		}
		if trunc {
			src = wholeEUCKR(src)
		}
		b, err := korean.EUCKR.NewDecoder().Bytes(src)
		if err != nil {
			return nil, false, "undecodable euc-kr"
		}
		return append(buf, b...), true, ""
	case "iso-8859-1", "latin1", "latin-1", "l1", "iso8859-1", "windows-1252", "cp1252", "iso-8859-15":
		if utf8.Valid(src) {
			return src, false, ""
		}
		b, err := charmap.Windows1252.NewDecoder().Bytes(src)
		if err != nil {
			return nil, false, "undecodable latin-1"
		}
		return append(buf, b...), true, ""
	}
	return nil, false, "unknown charset"
}

// wholeEUCKR cuts off half a character at the end.
func wholeEUCKR(src []byte) []byte {
	for i := 0; i < len(src); {
		if src[i] < 0x80 {
			i++
			continue
		}
		if i+1 >= len(src) {
			return src[:i]
		}
		i += 2
	}
	return src
}

func appendUTF16(dst, src []byte, order binary.ByteOrder) []byte {
	for len(src) >= 2 {
		u := rune(order.Uint16(src))
		src = src[2:]
		if utf16.IsSurrogate(u) && len(src) >= 2 {
			if c := utf16.DecodeRune(u, rune(order.Uint16(src))); c != utf8.RuneError {
				u = c
				src = src[2:]
			}
		}
		dst = utf8.AppendRune(dst, u)
	}
	return dst
}
