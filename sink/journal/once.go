package journalsink

// maxOnce bounds what is remembered of what was told: a folder of rubbish must not fill
// the memory. What is found beyond that is not told.
const maxOnce = 1024

// reportOnce tells OnError of something that stays as it is and is met again with every
// look at the folder, under a name that is its own. Only the second goroutine of the
// [keeper] calls it.
func (j *Journal) reportOnce(what string, err error) {
	k := j.keep
	if k.said[what] || len(k.said) >= maxOnce {
		return
	}
	if k.said == nil {
		k.said = make(map[string]bool)
	}
	k.said[what] = true
	j.report(err)
}
