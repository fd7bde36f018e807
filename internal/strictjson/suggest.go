package strictjson

import "strings"

// Suggest returns a hint for an unknown key: the keys that it may be a typing error for, or all keys.
func Suggest(key string, keys []string) string {
	var near []string
	for _, k := range keys {
		if len(key) < 64 && editDistance(strings.ToLower(key), strings.ToLower(k)) <= 2 {
			near = append(near, k)
		}
	}
	if len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return "the keys are " + strings.Join(keys, ", ")
}

// editDistance returns how many bytes must be added, removed or replaced to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // row[j] is the distance of a[:i] and b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
