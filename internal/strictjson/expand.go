package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Expand replaces ${NAME} in text by an environment variable, ${file:/path} by the content of a file without its last line
// break, and $${ by ${. In a JSON object it does so in every string except the keys, and escapes what it inserts. Errors do
// not contain the text.
func Expand(text string) (string, error) {
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed)) {
		return expandJSON(text)
	}
	return ExpandText(text)
}

// ExpandText is [Expand] for text that is not JSON, even if it looks like JSON.
func ExpandText(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, ok := strings.CutSuffix(before, "$"); ok {
			b.WriteString(literal + "${")
			text = rest
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", errBadVariable
		}
		value, err := variable(name)
		if err != nil {
			return "", err
		}
		b.WriteString(before + value)
		text = after
	}
}

var errBadVariable = errors.New("after ${ want the name of an environment variable, or file: and a path, " +
	"and then }; write $${ for ${ itself")

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable returns the replacement for ${name}. Its errors contain name only if it looks like a name, because it may be
// part of a password that happens to contain ${.
func variable(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		data, err := os.ReadFile(path)
		return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), err
	}
	if !variableName.MatchString(name) {
		return "", errBadVariable
	}
	value, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", name)
	}
	return value, nil
}

// expandJSON expands each string of text, which is valid JSON, except the keys of objects.
func expandJSON(text string) (string, error) {
	var b strings.Builder
	for {
		start := strings.IndexByte(text, '"')
		if start < 0 {
			b.WriteString(text)
			return b.String(), nil
		}
		end := start + 1
		for ; text[end] != '"'; end++ {
			if text[end] == '\\' {
				end++
			}
		}
		end++
		quoted, rest := text[start:end], text[end:]
		if !strings.HasPrefix(strings.TrimLeft(rest, " \t\r\n"), ":") {
			var err error
			if quoted, err = expandQuoted(quoted); err != nil {
				return "", err
			}
		}
		b.WriteString(text[:start] + quoted)
		text = rest
	}
}

func expandQuoted(quoted string) (string, error) {
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		return "", errors.New("a string is not JSON")
	}
	expanded, err := ExpandText(text)
	if err != nil || expanded == text {
		return quoted, err
	}
	if !utf8.ValidString(expanded) {
		return "", errors.New("the content of a variable or a file is not UTF-8")
	}
	again, err := json.Marshal(expanded)
	return string(again), err
}
