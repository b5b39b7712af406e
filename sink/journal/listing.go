package journalsink

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// listed is one base in the folder, and which of its files are there.
type listed struct {
	baseName
	open   bool // .jsonl
	closed bool // .jsonl.zst
}

func (l *listed) file() string {
	if l.closed {
		return l.text + extClosed
	}
	return l.text + extOpen
}

// readFolder is what a listing reads the folder with.
type readFolder func(dir string) ([]fs.DirEntry, error)

// files returns the names of its files.
func (l *listed) files() []string {
	var names []string
	if l.open {
		names = append(names, l.text+extOpen)
	}
	if l.closed {
		names = append(names, l.text+extClosed)
	}
	return names
}

// list returns the bases in dir, oldest first. Temporary files are told to temp,
// what is not ours to foreign.
//
// The folder is read twice. While it is read, a file may be compressed: its .jsonl
// may be gone before it was met, and its .zst have come where the reading had been
// already. Every base that was there before list was called is in one of the two
// listings, since a file is compressed only once.
func list(dir string, read readFolder, temp func(file string), foreign func(file string, err error)) ([]listed, error) {
	bases := make(map[string]*listed)
	var order []*listed
	for pass := range 2 {
		items, err := read(dir)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			name := item.Name()
			b, ext, ok := splitName(name)
			switch {
			case pass == 0 && name[0] == '.':
				continue // side files, ours and other people's
			case !ok:
				if pass == 0 && foreign != nil {
					foreign(name, fmt.Errorf("%w: its name is not one that a journal gives", ErrForeign))
				}
				continue
			case !item.Type().IsRegular():
				if pass == 0 && foreign != nil {
					foreign(name, fmt.Errorf("%w: it is a %s", ErrForeign, typeName(item.Type())))
				}
				continue
			case ext == extTemp:
				if pass == 0 && temp != nil {
					temp(name)
				}
				continue
			}
			l := bases[b.text]
			if l == nil {
				l = &listed{baseName: b}
				bases[b.text] = l
				order = append(order, l)
			}
			if ext == extClosed {
				l.closed = true
			} else {
				l.open = true
			}
		}
	}
	out := make([]listed, len(order))
	for i, l := range order {
		out[i] = *l
	}
	slices.SortFunc(out, func(a, b listed) int {
		return cmp.Or(cmp.Compare(a.order(), b.order()), cmp.Compare(a.text, b.text))
	})
	return out, nil
}

func typeName(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m&fs.ModeDir != 0:
		return "folder"
	case m&fs.ModeSymlink != 0:
		return "symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
