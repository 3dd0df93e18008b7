namespace Kv.StorageContract;

public sealed class RocksDbContractTests() : StorageContractTests(new RocksDbMedium())
{
    private protected override long Histories => 30;

    private protected override IStorageMedium NewMedium() => new RocksDbMedium();
}

public sealed class InMemoryContractTests() : StorageContractTests(new InMemoryMedium())
{
    private protected override long Histories => 300;

    private protected override IStorageMedium NewMedium() => new InMemoryMedium();
}
