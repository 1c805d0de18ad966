using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace Gateway.Features.Accounts.SignIn;

/// <summary>
/// How often one may try to sign in: per address, and per account wherever the attempts come from. Asked before any password is hashed.
/// IPv6 counts by /64, which one customer has to himself (RFC 6177).
/// </summary>
internal sealed class SignInLimits : IDisposable
{
    public const int AttemptsOfAnAddress = 20;
    public const int AttemptsAtAnAccount = 10;
    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(15);
    private readonly PartitionedRateLimiter<IPAddress?> _byAddress = PartitionedRateLimiter.Create<IPAddress?, IPAddress>(
        address => RateLimitPartition.GetTokenBucketLimiter(Network(address), _ => Bucket(AttemptsOfAnAddress)));
    private readonly PartitionedRateLimiter<string> _byAccount = PartitionedRateLimiter.Create<string, string>(
        account => RateLimitPartition.GetTokenBucketLimiter(account, _ => Bucket(AttemptsAtAnAccount)));

    /// <summary>Counts an attempt.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="account">At which account, normalized; null where it is not known yet.</param>
    /// <returns>Null: it may go on. Else how long to wait.</returns>
    public TimeSpan? Wait(IPAddress? address, string? account)
    {
        using var byAddress = _byAddress.AttemptAcquire(address);
        if (!byAddress.IsAcquired) return RetryAfter(byAddress);
        if (account is null) return null;
        using var byAccount = _byAccount.AttemptAcquire(account);
        return byAccount.IsAcquired ? null : RetryAfter(byAccount);
    }

    public void Dispose()
    {
        _byAddress.Dispose();
        _byAccount.Dispose();
    }

    private static TimeSpan RetryAfter(RateLimitLease lease) => lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : Refill;

    private static IPAddress Network(IPAddress? address)
    {
        if (address is not { AddressFamily: AddressFamily.InterNetworkV6 }) return address ?? IPAddress.None;
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    private static TokenBucketRateLimiterOptions Bucket(int size) =>
        new() { TokenLimit = size, TokensPerPeriod = 1, ReplenishmentPeriod = Refill, AutoReplenishment = true, QueueLimit = 0 };
}
