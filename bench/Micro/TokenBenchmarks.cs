using System.Buffers.Text;
using BenchmarkDotNet.Attributes;
using Kv.Common.Causality;

namespace Kv.Micro;

/// <summary>Every PUT seals a token; every request that brings one opens it.</summary>
[MemoryDiagnoser]
public class TokenBenchmarks
{
    private CausalToken _token = CausalToken.None;
    private byte[] _sealed = [];
    private byte[] _text = [];

    [Params(1, 4)]
    public int Shards { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _token = Samples.Token(Shards);
        _sealed = Samples.Codec.Seal(_token);
        _text = System.Text.Encoding.ASCII.GetBytes(Base64Url.EncodeToString(_sealed));
    }

    [Benchmark]
    public byte[] Seal() => Samples.Codec.Seal(_token);

    [Benchmark]
    public TokenRejection OpenText() => Samples.Codec.TryOpenText(_text, out _, out _);

    /// <summary>Without the seal: what a replica does with the token of every record from a peer.</summary>
    [Benchmark]
    public CausalToken ReadTrusted() => CausalTokenCodec.ReadTrusted(_sealed);
}
