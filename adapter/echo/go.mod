module github.com/txtrail/txtrail/adapter/echo

go 1.26.0

replace github.com/txtrail/txtrail => ../..

require (
	github.com/google/go-cmp v0.7.0
	github.com/labstack/echo/v5 v5.3.1
	github.com/txtrail/txtrail v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
