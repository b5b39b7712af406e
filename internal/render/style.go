package render

// style is an SGR sequence's parameters, "" for none.
type style string

// The styles. The 16 basic colours follow the terminal's own theme.
const (
	plainStyle style = ""
	bold       style = "1"
	dim        style = "2"
	red        style = "31"
	boldRed    style = "1;31"
	yellow     style = "33"
	green      style = "32"
)

// palette colours services. Red, yellow and green are kept for outcomes.
var palette = [...]style{"36", "35", "34", "96", "95", "94"}

// paint writes s, which is escaped already, in a style if colours are on.
func (p *Printer) paint(st style, s string) string {
	if !p.opts.Color || st == plainStyle || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

// serviceStyle gives a service's name its colour, the same one whenever and
// wherever it is printed.
func serviceStyle(name string) style {
	h := uint32(2166136261) // FNV-1a
	for i := range len(name) {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return palette[h%uint32(len(palette))]
}
