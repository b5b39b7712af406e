//go:build goexperiment.jsonv2

package main

import (
	"bytes"
	"encoding/json/jsontext"
	"io"
)

const flavour = "GOEXPERIMENT=jsonv2: encoding/json on top of jsontext"

// splice is the fastest that we could write with jsontext: names are compared as
// they stand in the body, without an allocation, nothing is encoded again, and
// neither the decoder nor its options check more than we do (names that occur twice).
var splice = func() mask {
	var src bytes.Buffer
	dec := jsontext.NewDecoder(&src, jsontext.AllowDuplicateNames(true))
	return func(dst, body []byte) ([]byte, error) {
		src = *bytes.NewBuffer(body) // read in place
		dec.Reset(&src, jsontext.AllowDuplicateNames(true))
		copied := 0
		for {
			tok, err := dec.ReadToken()
			if err == io.EOF {
				return append(dst, body[copied:]...), nil
			}
			if err != nil {
				return nil, err
			}
			if tok.Kind() != '"' {
				continue
			}
			if kind, n := dec.StackIndex(dec.StackDepth()); kind != '{' || n%2 == 0 {
				continue // a value
			}
			end := int(dec.InputOffset())
			start := bytes.LastIndexByte(body[:end-1], '"') + 1
			if !sensitive[string(body[start:end-1])] {
				continue
			}
			value, err := dec.ReadValue()
			if err != nil {
				return nil, err
			}
			end = int(dec.InputOffset())
			dst = append(dst, body[copied:end-len(value)]...)
			dst = append(dst, `"[masked]"`...)
			copied = end
		}
	}
}
