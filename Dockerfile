# The gateway as a container: NET_ADMIN and /dev/net/tun, a user that is not root, a read-only root file system, one volume.
#   docker run -d --name gateway --cap-drop ALL --cap-add NET_ADMIN --device /dev/net/tun --sysctl net.ipv4.ip_forward=1 \
#     --read-only --tmpfs /run/wireguard:mode=1777 -v gateway-data:/data -p 51820:51820/udp -p 127.0.0.1:8080:8080 gateway

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# What decides the restore, by itself: a change of code keeps this layer.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY src/Gateway.Protocol/*.csproj src/Gateway.Protocol/packages.lock.json src/Gateway.Protocol/
COPY src/Gateway.Engine/*.csproj src/Gateway.Engine/packages.lock.json src/Gateway.Engine/
COPY src/Gateway.Linux/*.csproj src/Gateway.Linux/packages.lock.json src/Gateway.Linux/
COPY src/Gateway.Data/*.csproj src/Gateway.Data/packages.lock.json src/Gateway.Data/
COPY src/Gateway.Contracts/*.csproj src/Gateway.Contracts/packages.lock.json src/Gateway.Contracts/
COPY src/Gateway/*.csproj src/Gateway/packages.lock.json src/Gateway/
COPY src/Gateway.Cli/*.csproj src/Gateway.Cli/packages.lock.json src/Gateway.Cli/
COPY migrations/Gateway.Migrations.Sqlite/*.csproj migrations/Gateway.Migrations.Sqlite/packages.lock.json migrations/Gateway.Migrations.Sqlite/
RUN dotnet restore src/Gateway --locked-mode && dotnet restore src/Gateway.Cli --locked-mode
COPY appsettings.json ./
COPY wwwroot/ wwwroot/
COPY migrations/ migrations/
COPY src/ src/
RUN dotnet publish src/Gateway -c Release --no-restore -o /app && dotnet publish src/Gateway.Cli -c Release --no-restore -o /cli

FROM mcr.microsoft.com/dotnet/aspnet:10.0 AS runtime
WORKDIR /app
COPY --from=build /app ./
COPY --from=build /cli /cli
COPY scripts/container-start.sh /usr/local/bin/container-start
# nft is for NAT, MSS clamping and explanations; it gets its capability from the gateway.
# Docker gives a non-root user no effective capability by --cap-add: the executables carry the one they need (docs/decisions).
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nftables libcap2-bin libpcap0.8 >/dev/null \
    && setcap cap_net_admin+ep /app/Gateway && setcap cap_net_admin+ep /cli/Gateway.Cli \
    && apt-get purge -y -qq --auto-remove libcap2-bin >/dev/null && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && ln -s /cli/Gateway.Cli /usr/local/bin/gateway \
    && install -d -m 0700 -o "$APP_UID" -g "$APP_UID" /data && install -d -m 0755 -o "$APP_UID" -g "$APP_UID" /run/wireguard
# No diagnostics socket in /tmp: the root file system is read-only.
ENV ASPNETCORE_URLS=http://*:8080 ASPNETCORE_HTTP_PORTS= Gateway__DataDirectory=/data DOTNET_EnableDiagnostics=0
EXPOSE 8080/tcp 51820/udp
VOLUME /data
USER $APP_UID
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]
ENTRYPOINT ["container-start"]

# The same with what hosts U and V of compose.yaml need. Built only by name.
FROM runtime AS lab
USER root
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2 iputils-ping tcpdump curl jq >/dev/null && rm -rf /var/lib/apt/lists/*

FROM runtime
