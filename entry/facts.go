package entry

import "github.com/txtrail/txtrail/txid"

// FactsOf returns what a scope tells of the user: each carried header that has a
// field of its own there, the others in Carried. The entry page is the one that was
// carried, or the one of the exchange being recorded, where it is the scenario's
// first. Nothing of s is shared with the result.
func FactsOf(s *txid.Scope) Facts {
	f := Facts{EntryPage: s.EntryPage}
	if f.EntryPage == "" && s.Recorder != nil {
		f.EntryPage = s.Recorder.EntryPage()
	}
	f.Carry(s.Carried)
	return f
}

// Carry fills in the carried headers alone. A user id that is set already is kept:
// the handler knew better. Nothing of c is shared with f.
func (f *Facts) Carry(c txid.Carried) {
	for i := range c {
		switch v := c[i].Value; c[i].Name {
		case txid.HeaderUser:
			if f.UserID == "" {
				f.UserID = v
			}
		case txid.HeaderDevice:
			f.Device = v
		case txid.HeaderOS:
			f.OS = v
		case txid.HeaderAppVersion:
			f.AppVersion = v
		case txid.HeaderCountry:
			f.Country = v
		default:
			f.Carried = append(f.Carried, Label{Name: c[i].Name, Value: v})
		}
	}
}
