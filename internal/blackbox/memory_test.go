package blackbox

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// createInMemory makes a table whose slots are in memory.
func createInMemory(t *testing.T) *Table {
	t.Helper()
	if memoryPath(1) == "" {
		t.Skip("SKIPPED: no file system in memory here")
	}
	table, err := Create(t.TempDir(), 8, resource, "web", 0o600, InMemory)
	if err != nil {
		t.Fatal(err)
	}
	if table.where == "" {
		t.Skip("SKIPPED: the file system in memory can not be written")
	}
	t.Cleanup(func() { _ = os.Remove(table.where) })
	return table
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestInMemory(t *testing.T) {
	table := createInMemory(t)
	table.Begin(request(1))
	live, err := Read(table.Path())
	if err != nil || !live.Alive || len(live.Requests) != 1 {
		t.Fatalf("%+v, %v", live, err)
	}
	if st, err := os.Stat(table.Path()); err != nil || st.Size() != headerSize || !table.Named() {
		t.Errorf("%v, %v", st, err)
	}
	// A copy of the folder has the header too, and nobody holds its lock.
	b, err := os.ReadFile(table.Path())
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(table.Path()))
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := Adopt(copied); !errors.Is(err, ErrAlive) || !exists(table.where) {
		t.Errorf("a copy: %+v, %v", found, err)
	}
	if found, err := ReadDead(copied); !errors.Is(err, ErrAlive) {
		t.Errorf("a copy: %+v, %v", found, err)
	}
	if live, err = Read(copied); err != nil || !live.Alive {
		t.Errorf("a copy: %+v, %v", live, err)
	}
	// The mapping is of another file than the header, and has its lock.
	if err := errors.Join(table.file.Close(), unmap(table.mem)); err != nil {
		t.Fatal(err)
	}
	dead, err := Adopt(table.Path())
	if err != nil || dead.Alive || len(dead.Requests) != 1 || dead.Resource.Service != "web" {
		t.Fatalf("%+v, %v", dead, err)
	}
	if err := dead.Remove(); err != nil || exists(table.Path()) || exists(table.where) {
		t.Errorf("something is left, %v", err)
	}
}

func TestInMemoryClose(t *testing.T) {
	table := createInMemory(t)
	slot := table.Begin(request(1))
	if err := table.Close(); err != nil || !exists(table.where) {
		t.Errorf("gone before its request, %v", err)
	}
	slot.End()
	if exists(table.Path()) || exists(table.where) {
		t.Error("something is left")
	}
}

// The memory may be cut, be gone with the machine, or hold another's file.
func TestInMemoryHarmed(t *testing.T) {
	t.Run("cut", func(t *testing.T) {
		table := createInMemory(t)
		if err := os.Truncate(table.where, 0); err != nil {
			t.Fatal(err)
		}
		if table.Begin(request(1)) != nil || !table.Broken() {
			t.Error("the fault went unnoticed")
		}
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		table := createInMemory(t)
		if err := os.Remove(table.where); err != nil {
			t.Fatal(err)
		}
		if table.Named() {
			t.Error("it is not missed")
		}
		table.file.Close()
		dead, err := Adopt(table.Path())
		if !errors.Is(err, ErrGone) {
			t.Fatal(err)
		}
		if err := dead.Remove(); err != nil {
			t.Error(err)
		}
	})
	t.Run("another's", func(t *testing.T) {
		table, other := createInMemory(t), createInMemory(t)
		if err := os.Rename(other.where, table.where); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(table.Path()); !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
	})
	t.Run("link", func(t *testing.T) {
		table := createInMemory(t)
		if err := os.Remove(table.where); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/etc/passwd", table.where); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(table.Path()); err == nil {
			t.Error("a link was followed")
		}
	})
}

// What nobody has looked for in a week goes, if its process is dead.
func TestSweep(t *testing.T) {
	living, dead, fresh := createInMemory(t), createInMemory(t), createInMemory(t)
	for _, table := range []*Table{dead, fresh} {
		die(t, table)
	}
	old := time.Now().Add(-keptInMemory - time.Hour)
	for _, table := range []*Table{living, dead} {
		if err := os.Chtimes(table.where, old, old); err != nil {
			t.Fatal(err)
		}
	}
	createInMemory(t)
	if !exists(living.where) || exists(dead.where) || !exists(fresh.where) {
		t.Errorf("living %v, dead %v, fresh %v", exists(living.where), exists(dead.where), exists(fresh.where))
	}
	if living.Begin(request(1)) == nil {
		t.Error("the living one is broken")
	}
}
