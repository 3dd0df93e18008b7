-- The load of bench/run.sh, for wrk. Arguments after "--": DIALECT OPERATION KEYS [KEYS_FILE]
--   DIALECT    store (the bare endpoint speaks it too) or etcd (its JSON gateway)
--   OPERATION  get: keys at random
--              put, put-all: keys at random; put-all waits until every replica holds the write (?w=all)
--              preload: every key once; for one thread, and ends the run when it is done
--   KEYS       how many keys there are
--   KEYS_FILE  numbers of the keys to use, one a line; every key when absent
-- Ends by printing one line for run.sh: load, requests, microseconds, p50, p99 and maximum in microseconds, failed requests.

-- Twelve characters of base64, which etcd takes as they are.
local function key(number) return "bench" .. (1000000 + number) end

-- With the key, JSON of 200 bytes in a PUT to the store; as base64 a whole number of groups.
local value_start, value_end = "v", string.rep("x", 163)
local get_start, get_end, put_start, put_middle, put_end

local dialects = {}

function dialects.store(operation)
  local body_length = #'{"value":""}' + #value_start + 12 + #value_end
  local concern = operation == "put-all" and "?w=all" or ""
  get_start, get_end = "GET /key-value-store/", " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
  put_start = "PUT /key-value-store/"
  put_middle = concern .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " .. body_length ..
    '\r\n\r\n{"value":"' .. value_start
  put_end = value_end .. '"}'
end

function dialects.etcd()
  local head = " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
  -- Serializable: answered by the member that was asked, as the store answers a GET.
  get_end = '","serializable":true}'
  get_start = "POST /v3/kv/range" .. head .. #'{"key":"' + 12 + #get_end .. '\r\n\r\n{"key":"'
  put_start = "POST /v3/kv/put" .. head .. #'{"key":"","value":""}' + 24 + #value_start + #value_end .. '\r\n\r\n{"key":"'
  put_middle = '","value":"' .. value_start
  put_end = value_end .. '"}'
end

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("id", threads)
end

local operation, keys, chosen
local next_key = 0

function init(args)
  operation, keys = args[2], tonumber(args[3])
  dialects[args[1]](operation)
  if args[4] then
    chosen = {}
    for line in io.lines(args[4]) do chosen[#chosen + 1] = tonumber(line) end
    keys = #chosen
  end
  math.randomseed(id)
end

local function put(k) return put_start .. key(k) .. put_middle .. key(k) .. put_end end

-- wrk sleeps out its duration whatever its threads do, but ends in good order when it is interrupted.
local function interrupt()
  local ffi = require("ffi")
  ffi.cdef("int getpid(void); int kill(int pid, int signal);")
  ffi.C.kill(ffi.C.getpid(), 2)
end

local function any_key()
  if chosen then return chosen[math.random(keys)] end
  return math.random(0, keys - 1)
end

function request()
  if operation == "get" then return get_start .. key(any_key()) .. get_end end
  if operation ~= "preload" then return put(any_key()) end
  local k = next_key
  next_key = next_key + 1
  -- Some more than there are keys, so that what was sent for the last keys is answered before the connections close.
  if k == keys + 1000 then interrupt() end
  return put(k % keys)
end

function done(summary, latency)
  local errors = summary.errors
  print(table.concat({
    "load", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
  }, "\t"))
end
