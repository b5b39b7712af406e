package journalsink

// hideOrigins leaves out the files that have been merged into another one of the
// folder and have not been removed yet.
func (r *Reader) hideOrigins(vs []*volume) ([]*volume, error) {
	return vs, nil
}
