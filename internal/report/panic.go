package report

import "fmt"

// maxText bounds what is told of a panic, in bytes: its value may be a whole body.
const maxText = 4 << 10

// Panic tells onError that the function called which, an option of package pkg,
// panicked with v. A panic of onError ends here: there is nobody left to tell.
func Panic(onError func(error), pkg, which string, v any) {
	defer func() { _ = recover() }()
	onError(fmt.Errorf("%s: %s panicked: %s", pkg, which, text(v)))
}

// Guard returns onError with its own panics kept in it: what tells of a fault must neither
// end a goroutine that works in the background, nor cost the entry that it tells of.
func Guard(onError func(error)) func(error) {
	return func(err error) {
		defer func() { _ = recover() }()
		onError(err)
	}
}

// text returns what v says of itself, cut to maxText, or its Go type. Of a
// struct or a map fmt would print what is in it, which may be a request with its
// credentials: this goes to a log that nobody sanitizes.
func text(v any) string {
	switch v.(type) {
	case error, fmt.Stringer, string, bool, int, int8, int16, int32, int64,
		uint, uint8, uint16, uint32, uint64, uintptr, float32, float64:
		// fmt itself catches a panic of v's methods.
		s := fmt.Sprint(v)
		return s[:min(len(s), maxText)]
	}
	return fmt.Sprintf("a value of type %T", v)
}
