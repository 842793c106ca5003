"""Usage-contract requests (利用契約依頼), acceptance, and the contract register."""
