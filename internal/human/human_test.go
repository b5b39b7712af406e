package human

import (
	"math"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "0 ms",
		12:                              "<1 µs",
		410 * time.Microsecond:          "410 µs",
		2300 * time.Microsecond:         "2.3 ms",
		41 * time.Millisecond:           "41 ms",
		999400 * time.Microsecond:       "999 ms",
		999600 * time.Microsecond:       "1 s",
		1500 * time.Millisecond:         "1.5 s",
		1840 * time.Millisecond:         "1.84 s",
		12340 * time.Millisecond:        "12.3 s",
		59999 * time.Millisecond:        "1 m",
		125 * time.Second:               "2 m 5 s",
		190 * time.Minute:               "3 h 10 m",
		52 * time.Hour:                  "2 d 4 h",
		-1500 * time.Millisecond:        "-1.5 s",
		time.Hour - time.Millisecond:    "1 h",
		24*time.Hour - time.Millisecond: "1 d",
		math.MinInt64:                   "-106751 d 23 h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%d) = %q, want %q", d, got, want)
		}
	}
}

func TestColumns(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Axis(0), "0"},
		{Axis(920 * time.Millisecond), "920ms"},
		{Axis(1840 * time.Millisecond), "1.8s"},
		{Axis(10 * time.Minute), "10m"},
		{Axis(60 * time.Hour), "2.5d"},
		{Millis(1499600 * time.Microsecond), "1500"},
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(3120), "3,120"},
		{Count(-1234567), "-1,234,567"},
		{Count(-123), "-123"},
		{Bytes(312), "312 B"},
		{Bytes(64 << 10), "64 KiB"},
		{Bytes(2200000), "2.1 MiB"},
		{Bytes(math.MaxInt64), "8388608 TiB"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
