package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/txtrail/txtrail/sanitize"
)

// Bounds of a policy file in YAML. No policy that people write comes near them;
// a file whose aliases name each other does at once.
const (
	maxNodes     = 100_000
	maxYAMLDepth = 32
	maxJSON      = 4 << 20 // bytes of the same policy in JSON
)

// ParsePolicy reads a policy file of the given name: YAML when it ends in .yaml
// or .yml, JSON otherwise. Both have the fields that [sanitize.ParseOptions]
// describes. The error says on which line what is wrong, where that is known.
func ParsePolicy(name string, b []byte) (*sanitize.Options, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
	default:
		return sanitize.ParseOptions(b)
	}
	doc, err := parseYAML(b)
	if err != nil {
		return nil, fmt.Errorf("redact: policy file: %w", err)
	}
	c := converter{line: 1}
	if err := c.node(doc, 0); err != nil {
		return nil, fmt.Errorf("redact: policy file: %w", err)
	}
	o, err := sanitize.ParseOptions(c.out)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "sanitize: ")
		if line := lineOf(doc, text); line > 0 && !strings.Contains(text, "line ") {
			return nil, fmt.Errorf("redact: line %d: %s", line, text)
		}
		return nil, fmt.Errorf("redact: %s", text)
	}
	return o, nil
}

// parseYAML reads the one document of a file.
func parseYAML(b []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, yamlError(err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, fmt.Errorf("line %d: a second document: a policy is one", more.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("line 1: a policy is a mapping: mode, disable, rules and so on")
	}
	return doc.Content[0], nil
}

// yamlError leaves out the name of the package that found it.
func yamlError(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
}

// converter writes YAML as JSON. Each value stands on the line that it has in the
// YAML file, so that what is said about the one holds for the other.
type converter struct {
	out   []byte
	line  int
	nodes int
}

func (c *converter) node(n *yaml.Node, depth int) error {
	if c.nodes++; c.nodes > maxNodes || len(c.out) > maxJSON {
		return fmt.Errorf("line %d: with its aliases replaced it is too large for a policy", n.Line)
	}
	if depth > maxYAMLDepth {
		return fmt.Errorf("line %d: nested more than %d deep", n.Line, maxYAMLDepth)
	}
	for ; c.line < n.Line; c.line++ {
		c.out = append(c.out, '\n')
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		c.out = append(c.out, '[')
		for i, e := range n.Content {
			if i > 0 {
				c.out = append(c.out, ',')
			}
			if err := c.node(e, depth+1); err != nil {
				return err
			}
		}
		c.out = append(c.out, ']')
	case yaml.AliasNode:
		return c.node(n.Alias, depth+1)
	case yaml.ScalarNode:
		return c.scalar(n)
	default:
		return fmt.Errorf("line %d: neither a mapping, a list nor a value", n.Line)
	}
	return nil
}

func (c *converter) mapping(n *yaml.Node, depth int) error {
	c.out = append(c.out, '{')
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode:
			return fmt.Errorf("line %d: a key that is not a plain word", k.Line)
		case k.Tag == "!!merge":
			return fmt.Errorf("line %d: merge keys (<<) are not read here: write the fields out, or use an alias for the whole value", k.Line)
		case seen[k.Value] > 0:
			return fmt.Errorf("line %d: %q again, after line %d", k.Line, k.Value, seen[k.Value])
		}
		seen[k.Value] = k.Line
		if i > 0 {
			c.out = append(c.out, ',')
		}
		for ; c.line < k.Line; c.line++ {
			c.out = append(c.out, '\n')
		}
		if err := c.str(k.Value); err != nil {
			return err
		}
		c.out = append(c.out, ':')
		if err := c.node(v, depth+1); err != nil {
			return err
		}
	}
	c.out = append(c.out, '}')
	return nil
}

func (c *converter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!str", "!!timestamp": // an epoch may look like a date
		return c.str(n.Value)
	case "!!null":
		c.out = append(c.out, "null"...)
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: %w", n.Line, yamlError(err))
		}
		c.out = strconv.AppendBool(c.out, v)
	case "!!int":
		var v int64
		if err := n.Decode(&v); err != nil {
			return fmt.Errorf("line %d: a number that is too large", n.Line)
		}
		c.out = strconv.AppendInt(c.out, v, 10)
	case "!!float":
		var v float64
		if err := n.Decode(&v); err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			return fmt.Errorf("line %d: not a number that a policy can hold", n.Line)
		}
		c.out = strconv.AppendFloat(c.out, v, 'g', -1, 64)
	default:
		return fmt.Errorf("line %d: the tag %q is not read here: use strings, numbers, true and false", n.Line, n.Tag)
	}
	return nil
}

func (c *converter) str(s string) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	c.out = append(c.out, b...)
	return nil
}

var (
	quoted    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	fieldName = regexp.MustCompile(`\b[A-Z][a-z]+(?:[A-Z][a-z]+)*\b`)
)

// lineOf returns the line of what an error names: a rule, a route, a field. It is
// 0 when none of that stands in the file.
func lineOf(doc *yaml.Node, text string) int {
	for _, q := range quoted.FindAllString(text, -1) {
		if s, err := strconv.Unquote(q); err == nil {
			if line := find(doc, s); line > 0 {
				return line
			}
		}
	}
	for _, name := range fieldName.FindAllString(text, -1) { // MaxDepth is max_depth
		var snake strings.Builder
		for i, r := range name {
			if i > 0 && 'A' <= r && r <= 'Z' {
				snake.WriteByte('_')
			}
			snake.WriteString(strings.ToLower(string(r)))
		}
		if line := find(doc, snake.String()); line > 0 {
			return line
		}
	}
	return 0
}

// find returns the line of the first key or value s. It follows no alias: what
// they name stands in the document too.
func find(n *yaml.Node, s string) int {
	if n.Kind == yaml.ScalarNode && n.Value == s {
		return n.Line
	}
	for _, c := range n.Content {
		if line := find(c, s); line > 0 {
			return line
		}
	}
	return 0
}
