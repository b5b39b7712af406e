package journalsink

func (j *Journal) finish(c *openFile) { _ = c.f.Close() }
func (j *Journal) tidy()              {}
func isFull(err error) bool           { return false }
