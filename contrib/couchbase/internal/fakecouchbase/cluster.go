package fakecouchbase

import "strconv"

// vbuckets is the usual number of parts that a bucket is divided into. The client hashes each key to one of them.
const vbuckets = 1024

// The version of the cluster map. It never changes, because neither does the cluster.
const (
	mapEpoch    = 1
	mapRevision = 1
)

// clusterMaps are the JSON documents by which a client finds the nodes.
type clusterMaps struct {
	bucket []byte // for connections with a bucket
	global []byte // for those without
}

// newClusterMaps describes one node. Clients replace $HOST by the host they connected to.
//
// A client ignores a map without a management service, so the key-value port is given for that too. Nobody should ask
// it, and whoever does speaks HTTP to this server and is disconnected, instead of meeting some other program.
func newClusterMaps(bucket string, port int) clusterMaps {
	hostPort := "$HOST:" + strconv.Itoa(port)
	nodes := []any{map[string]any{
		"services": map[string]int{"kv": port, "mgmt": port},
		"thisNode": true,
	}}
	parts := make([][]int, vbuckets)
	for i := range parts {
		parts[i] = []int{0}
	}
	global := map[string]any{
		"rev":                    mapRevision,
		"revEpoch":               mapEpoch,
		"nodesExt":               nodes,
		"clusterCapabilitiesVer": []int{1, 0},
		"clusterCapabilities":    map[string][]string{},
	}
	ofBucket := map[string]any{
		"rev":                   mapRevision,
		"revEpoch":              mapEpoch,
		"name":                  bucket,
		"uuid":                  "00000000000000000000000000000001",
		"uri":                   "/pools/default/buckets/" + bucket,
		"bucketCapabilitiesVer": "",
		"bucketCapabilities":    []string{"cccp", "collections", "durableWrite", "nodesExt", "preserveExpiry", "touch"},
		"nodeLocator":           "vbucket",
		"nodes":                 []any{map[string]any{"hostname": hostPort, "ports": map[string]int{"direct": port}}},
		"nodesExt":              nodes,
		"vBucketServerMap": map[string]any{
			"hashAlgorithm": "CRC",
			"numReplicas":   0,
			"serverList":    []string{hostPort},
			"vBucketMap":    parts,
		},
	}
	return clusterMaps{bucket: encode(ofBucket), global: encode(global)}
}
