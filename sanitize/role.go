package sanitize

// Roles a key can have beside being sensitive: its value says something about
// its siblings.
type role uint8

const (
	roleNone role = iota
	roleName
	roleLabel // a name that may be something else
	roleValue
	roleColumns
	roleRows
	roleMethod
	roleParams
)

// names reports a key whose value may be the name of what stands beside it.
func (rl role) names() bool { return rl == roleName || rl == roleLabel }

func roleOf(t []byte) role {
	if len(t) > 12 {
		return roleNone
	}
	switch string(t) {
	case "name", "key", "k", "field", "fieldname", "label", "id", "param", "parameter", "attribute", "property", "header", "variable", "column", "type", "n":
		return roleName
	case "value", "val", "v", "content", "contents", "data", "text", "answer", "input", "default", "newvalue", "oldvalue", "current", "previous", "raw", "stringvalue", "to", "from":
		return roleValue
	case "columns", "fields", "headers", "cols", "names", "columnnames", "schema":
		return roleColumns
	case "rows", "records", "tuples", "values", "items", "result", "results":
		return roleRows
	case "method":
		return roleMethod
	case "params", "arguments", "args":
		return roleParams
	}
	return roleNone
}
