package render

// Link prints a link to the same answer elsewhere, in one piece however long it is, so
// that it can be opened. "" prints nothing.
func (p *Printer) Link(url string) {
	if url != "" {
		p.line(p.paint(dim, p.say("link: ", "링크: ")) + Escape(url))
	}
}
