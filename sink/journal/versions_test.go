package journalsink

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a later version may add is passed over; what it may change is said, and the
// entries are read all the same.
func TestLaterVersions(t *testing.T) {
	batch := makeBatch(t, 0, 40, 4)
	var lines []byte
	for _, e := range batch {
		lines = appendLine(lines, e.Line())
	}
	var out bytes.Buffer
	s, err := newSealer(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(bytes.NewReader(lines), int64(len(lines)), func() bool { return false }); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	tail := binary.LittleEndian.Uint32(whole[len(whole)-16:])
	at := len(whole) - int(tail) - frameHeadLen
	blocks, frame := whole[:at], whole[at:]

	newSection := bytes.Clone(frame[:len(frame)-indexTailLen])
	newSection[frameHeadLen+8]++ // sections
	newSection = append(newSection, 99, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c')
	newSection = fixIndex(append(newSection, make([]byte, indexTailLen)...))
	putUint32(newSection[len(newSection)-16:], uint32(len(newSection)-frameHeadLen))

	newVersion := bytes.Clone(frame)
	newVersion[frameHeadLen+len(indexHead)] = '2'

	for name, c := range map[string]struct {
		index []byte
		extra []byte
		want  error
	}{
		"as it is":           {frame, nil, nil},
		"a new section":      {newSection, nil, nil},
		"a frame in between": {frame, []byte{0x55, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2}, nil},
		"a new index":        {fixIndex(newVersion), nil, ErrVersion},
		"no index":           {nil, nil, ErrIndex},
	} {
		dir := t.TempDir()
		file := bytes.Join([][]byte{blocks, c.extra, c.index}, nil)
		if err := os.WriteFile(filepath.Join(dir, newBase("x", testStart, 1, 1)+extClosed), file, 0o600); err != nil {
			t.Fatal(err)
		}
		r := readerTest(t, dir)
		if diff := cmp.Diff(insertIDs(batch), scanIDs(t, r)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
		if got := lookupIDs(t, r, "txid-000001"); len(got) != 10 {
			t.Errorf("%s: lookup found %d, want 10", name, len(got))
		}
		cov, err := r.Coverage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !cov.From.Equal(batch[0].Time) || !cov.To.Equal(batch[39].Time) {
			t.Errorf("%s: from %v to %v", name, cov.From, cov.To)
		}
		switch {
		case c.want == nil && len(cov.Damaged) > 0:
			t.Errorf("%s: damage %v", name, cov.Damaged)
		case c.want != nil && (len(cov.Damaged) != 1 || !errors.Is(cov.Damaged[0].Err, c.want)):
			t.Errorf("%s: damage %v, want %v", name, cov.Damaged, c.want)
		}
	}
}
