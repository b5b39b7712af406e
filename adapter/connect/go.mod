module github.com/txtrail/txtrail/adapter/connect

go 1.26.0

replace github.com/txtrail/txtrail => ../..

require (
	connectrpc.com/connect v1.21.1
	github.com/txtrail/txtrail v0.0.0
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
