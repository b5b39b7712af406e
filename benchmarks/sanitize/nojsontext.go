//go:build !goexperiment.jsonv2

package main

const flavour = "encoding/json as it is by default; jsontext needs GOEXPERIMENT=jsonv2"

var splice func() mask
