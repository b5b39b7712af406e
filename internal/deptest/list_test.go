package deptest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// systems are those that the module is for; what is imported differs between them.
var systems = []string{"linux", "darwin", "windows"}

// list asks the go command for the packages of the module in root and all that
// they need, on each system.
func list(root string) (graph, error) {
	g := graph{}
	for _, goos := range systems {
		cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,TestImports,XTestImports,Module", "./...")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w\n%s", goos, err, stderr.String())
		}
		if err := g.add(out); err != nil {
			return nil, fmt.Errorf("go list for %s: %w", goos, err)
		}
	}
	return g, nil
}

func (g graph) add(out []byte) error {
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
			Module                             *struct{ Path string }
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		have := g[p.ImportPath]
		if have == nil {
			have = &pkg{path: p.ImportPath}
			g[p.ImportPath] = have
		}
		if p.Module != nil {
			have.module = p.Module.Path
		}
		have.imports = union(have.imports, p.Imports)
		if have.module == module {
			have.testImports = union(have.testImports, p.TestImports, p.XTestImports)
		}
	}
}

func union(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

// touch opens every file that the answer of the go command depends on. The result
// of a test is kept as long as the files that the test itself has opened stay the
// same: without this, a new import elsewhere would go unnoticed.
func touch(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return nil
		}
		if ext := filepath.Ext(path); ext != ".go" && ext != ".mod" {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
}
