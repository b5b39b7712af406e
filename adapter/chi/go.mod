module github.com/txtrail/txtrail/adapter/chi

go 1.26.0

replace github.com/txtrail/txtrail => ../..

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/txtrail/txtrail v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.7 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
